"""What `why` says first of incidents that are planted into logs, of each kind some, and that it keeps silent where nothing is planted."""
import json
import os

import incidents
import subject
from incident_kinds import KINDS
from incident_kinds_more import MORE_KINDS
from scenario import Scenario


def ask(log, truth):
    """The answer, or what was said instead of one."""
    code, out, err = subject.command("why", log, "--log-format", incidents.FORMAT, "--from", str(truth["from"]), "--until", str(truth["until"]), "--format", "json")
    try:
        said = json.loads(out)
    except ValueError:
        return {"error": f"{code} {err[-300:]}"}
    change = said["change_ms"]
    if change["volume"] + change["mix"] + change["slower"] != change["total"]:
        return {"error": f"the parts do not sum: {change}"}
    return said


def short(said):
    """What of an answer shows where it is wrong."""
    causes = [{**cause["where"], "share": cause["share"]} for cause in said.get("causes") or []]
    return json.dumps({"verdict": said.get("verdict"), "phase": said.get("phase"), "error": said.get("error"), "causes": causes[:3], "first": said.get("first", [])[:1]})


def main():
    """Run the scenario."""
    with Scenario(__doc__, each=(5, 1), seed=(1, 1), rate=(40.0, 20.0), kinds=("", "")) as lab:
        wanted = lab.args.kinds.split(",")
        right = {True: [0, 0], False: [0, 0]}
        for kind in KINDS + MORE_KINDS:
            if wanted != [""] and kind.__name__ not in wanted:
                continue
            good = 0
            for seed in range(lab.args.seed, lab.args.seed + lab.args.each):
                log = os.path.join(lab.work, "log")
                truth = incidents.plant(kind, seed, log, lab.args.rate)
                said = ask(log, truth)
                if incidents.is_right(truth, said):
                    good += 1
                else:
                    lab.note(f"{kind.__name__} {seed}: {json.dumps(truth)} -> {short(said)}")
            of = right[truth["verdict"] == "nothing"]
            of[0], of[1] = of[0] + good, of[1] + lab.args.each
            lab.note(f"{kind.__name__:22} {good} of {lab.args.each}")
        for silent, (good, all_of) in right.items():
            what = "silent where there is nothing" if silent else "the cause first"
            lab.note(f"{what}: {good} of {all_of}")
            lab.expect(f"{what} in 95 of 100", good >= .95 * all_of, (good, all_of))


if __name__ == "__main__":
    main()
