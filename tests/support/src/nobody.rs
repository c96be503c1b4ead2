//! A thread that is not root, so that the system denies it what it denies a daemon.

use rustix::process::Uid;

/// Runs this in a thread of its own; if the process is root's, as another user. A panic goes on in the caller.
pub fn as_nobody<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    let ended = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            become_nobody();
            run()
        });
        thread.join()
    });
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// From here on this thread is not root's. It must end with its work.
pub fn become_nobody() {
    if rustix::process::geteuid().is_root() {
        let nobody = Uid::from_raw(65534);
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
    }
}
