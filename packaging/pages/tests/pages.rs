//! Every command has its page and is completed; what shells and man(1) think of the files is asked where they are installed.

use std::path::Path;
use std::process::Command;

fn commands() -> Vec<String> {
    let command = spikeline::cli::command();
    command.get_subcommands().map(|sub| sub.get_name().to_owned()).filter(|name| name != "help").collect()
}

/// The output of a program; nothing where it is not installed.
fn output_of(program: &str, arguments: &[&str]) -> Option<(String, String)> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {}", text(&output.stderr));
    Some((text(&output.stdout), text(&output.stderr)))
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn every_command_has_a_page_that_renders_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    spikeline_pages::write_pages(folder.path()).unwrap();
    let mut pages = vec!["spikeline.1".to_owned()];
    pages.extend(commands().iter().map(|name| format!("spikeline-{name}.1")));
    for page in &pages {
        let page = folder.path().join("man").join(page);
        assert!(std::fs::read_to_string(&page).unwrap().contains(".SH NAME"), "{}", page.display());
        let Some((text, warnings)) = output_of("man", &["--warnings", "-l", shown(&page)]) else { continue };
        assert!(text.contains("SYNOPSIS") && warnings.is_empty(), "{}: {warnings}", page.display());
    }
    assert_eq!(std::fs::read_dir(folder.path().join("man")).unwrap().count(), pages.len());
}

#[test]
fn bash_completes_commands_and_their_options() {
    let folder = tempfile::tempdir().unwrap();
    spikeline_pages::write_pages(folder.path()).unwrap();
    let file = folder.path().join("completions/spikeline.bash");
    for (words, expected) in
        [("spikeline sta", "status"), ("spikeline status --max-", "--max-lag"), ("spikeline run --log j", "json")]
    {
        let last = words.rsplit(' ').next().unwrap();
        let script = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _spikeline spikeline '{last}' \
             \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo ${{COMPREPLY[@]}}",
            file.display()
        );
        let Some((completed, _)) = output_of("bash", &["-c", &script]) else { return };
        assert!(completed.split_whitespace().any(|word| word == expected), "{words}: {completed}");
    }
    for (shell, name) in [("zsh", "_spikeline"), ("fish", "spikeline.fish")] {
        let file = folder.path().join("completions").join(name);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(commands().iter().all(|command| text.contains(command)), "{name}");
        output_of(shell, &["-n", shown(&file)]);
    }
}
