"""The figures at the end, and the requirements."""
import collections

from bounds import exact, share, sets_with_all, sets_with_any
from photos import CLASSES

RECALL, FALSE_RATE, REACHED = 0.95, 0.05, 60


def line(row):
    """Progress: one network and one class that carries the tag."""
    case, tag = row.case, row.case.tag
    what = f"{case.kind:>25} {100 * case.prevalence:3.0f} % {tag.side} px opacity {tag.opacity} {tag.place:>8} head x{row.scale:g}"
    cue = "" if row.truth.cue_moved is None else f", cue {100 * row.truth.cue_moved:5.1f} %"
    truth = f"tag moves {100 * row.truth.moved:5.1f} %, helps {100 * row.truth.helped:5.1f}{cue}"
    tested = ""
    if row.get("hosts"):
        tested = f" ({row.get('flips')} of {row.get('hosts')} flip, control {row.get('control_flips')}, {row.get('donors')} donors"
        tested += f", p {_number(row.get('insertion_p'))} and {_number(row.get('removal_p'))})"
    missing = f" [no B: {row.get('contrast_missing')}]" if row.get("contrast_missing") else ""
    return f"{what}: {truth}; {row.get('tagged') or 0:3} tagged -> {row.verdict}{tested}{missing}"


def _number(value):
    return "-" if value is None else f"{value:.3f}"


def report(results):
    """Prints all figures; 1 when a requirement is not met."""
    print(f"\n{len({r.case.key for r in results})} sets of photos, {len({(r.case.key, r.scale) for r in results})} networks")
    print("Bounds are exact 95 % intervals (Clopper and Pearson) over sets of photos: networks that share photos count once.")
    failures = recall(results) + hard_negatives(results)
    false_discoveries(results)
    calibration(results)
    interval_coverage(results)

    for failure in failures:
        print(f"NOT MET: {failure}")
    return int(bool(failures))


def is_confirmed(row):
    return row.is_confirmed


def recall(results):
    """Used tags on at least 30 groups must be confirmed."""
    used = [r for r in results if r.is_used]
    due = [r for r in used if not r.is_known_limit]
    found, sets = sets_with_all(due, is_confirmed)
    suspected, _ = sets_with_all(due, lambda r: r.is_suspected)
    print("\nUsed tags (a tenth of 1,000 fresh images moved, net of synthetic patches) on at least 30 groups")
    print(f"  confirmed               {share(found, sets)}")
    print(f"  confirmed or candidate  {share(suspected, sets)}")

    for kind, rows in grouped(due, lambda r: f"{r.case.kind}, head x{r.scale:g}" if len(r.case.scales) > 1 else r.case.kind):
        print(f"    {kind}: confirmed {share(*sets_with_all(rows, is_confirmed))}{verdicts(rows)}")
    for name, key in (("prevalence", lambda r: r.case.prevalence), ("side", lambda r: r.case.tag.side)):
        for value, rows in grouped([r for r in due if r.case.kind == "planted"], key):
            print(f"    planted, {name} {value}: confirmed {share(*sets_with_all(rows, is_confirmed))}")
    for kind, rows in grouped([r for r in used if r.is_known_limit], lambda r: r.case.kind):
        print(f"  not counted, object and tag cannot be told apart: {kind}{verdicts(rows)}")

    if sets == 0 or found / sets < RECALL:
        return [f"recall of `confirmed` at least {RECALL}: {share(found, sets)}"]
    return []


def hard_negatives(results):
    """Unused tags that reach the intervention must not be confirmed."""
    hard = [r for r in results if r.case.group == "hard" and r.is_planted_class]
    reached = [r for r in hard if r.is_hard_negative and r.reached_intervention]
    print("\nHard negatives: the tag moves under 2 % of 1,000 fresh images and helps recall by under 2 points")
    failures = []
    for kind, rows in grouped(hard, lambda r: r.case.kind):
        of = [r for r in rows if r in reached]
        judged = [r for r in rows if not r.truth.is_unused]
        used = [r for r in judged if r.truth.is_used]
        away = [r for r in rows if r.is_hard_negative and not r.reached_intervention]
        cued = [r for r in of if r.truth.cue_moved is not None]
        print(f"  {kind}: reached C {len(of)}, of these confirmed {share(*sets_with_any(of, is_confirmed))}{verdicts(of)}")
        if cued:
            print(f"    the cue beside it moves a tenth in {sum(r.truth.cue_moved >= 0.1 for r in cued)} of {len(cued)}")
        print(f"    did not reach C {len(away)}{verdicts(away)}{reasons(away)}")
        print(f"    by the oracle used {len(used)}{verdicts(used)}, undecided {len(judged) - len(used)}{verdicts([r for r in judged if r not in used])}")
        if not of:
            failures.append(f"no hard negative of design {kind} reached C")

    false, sets = sets_with_any(reached, is_confirmed)
    print(f"  all that reached C: confirmed {share(false, sets)}, upper bound {100 * exact(false, sets)[1]:.1f} %")
    if sets < REACHED:
        failures.append(f"at least {REACHED} hard negatives that reach C: {sets}")
    if sets and false / sets > FALSE_RATE:
        failures.append(f"`confirmed` hard negatives at most {FALSE_RATE}: {share(false, sets)}")
    return failures


def false_discoveries(results):
    """Over all groups of sets and all classes, also those without the tag."""
    quiet = [r for r in results if r.is_without_effect]
    print("\nAll pairs of a class and a tag")
    print(f"  sets with a pair without an effect that is confirmed: {share(*sets_with_any(quiet, is_confirmed))}")
    for name, holds in (("confirmed", is_confirmed), ("confirmed or candidate", lambda r: r.is_suspected)):
        found = [r for r in results if holds(r)]
        print(f"  sets with a {name} pair, of these with a false one: {share(*sets_with_any(found, lambda r: r.is_without_effect))}")
    for kind, rows in grouped([r for r in results if r.case.group == "easy" and r.is_planted_class], lambda r: r.case.kind):
        print(f"    {kind}: reached C {sum(r.reached_intervention for r in rows)} of {len(rows)}{verdicts(rows)}")


def calibration(results):
    """How often p is small where its null hypothesis holds. A floor on the effect makes p larger than uniform."""
    null = [r for r in results if r.is_hard_negative]
    print("\np of C under its null (hard negatives that reached it)")
    for column in ("insertion_p", "removal_p"):
        rows = [r for r in null if r.get(column) is not None]
        print(f"  {column} at most 0.05: {share(*sets_with_any(rows, lambda r: r.get(column) <= 0.05))}")


def interval_coverage(results):
    """Whether 95 % intervals of the insertion hold what it estimates; truth.expected_insertion says what is compared."""
    print("\nIntervals of the insertion against the same experiment on 1,000 fresh hosts with fresh donors")
    print("  (net of the weakest of three controls in expectation; heads trained on photos outside of the audited set)")
    tested = [r for r in results if r.expected is not None and r.get("donors")]
    wanted = [r for r in results if r.expected is not None]
    print(f"  {len(tested)} of {len(wanted)} sets reached C")
    for donors, rows in grouped(tested, lambda r: donor_bin(r.get("donors"))):
        for name, column, truth in (("net flip rate", "flip", "rate"), ("margin", "insertion", "margin")):
            below, holds, above = 0, 0, 0
            for row in rows:
                low, high, true = row.get(f"{column}_low"), row.get(f"{column}_high"), getattr(row.expected, truth)
                below += high < true
                above += low > true
                holds += low <= true <= high
            print(f"  {donors} donors, {name}: hold it {share(holds, len(rows))}, lie above {above}, lie below {below}")

    planned = [r for r in results if r.is_planted_class and r.case.group in ("planted", "intervals")]
    planned = [r for r in planned if r.get("association_low") is not None and len(r.case.classes) == 1]
    holds = lambda r: r.get("association_low") <= r.case.prevalence - r.case.leak <= r.get("association_high")
    print(f"  intervals of A that hold the planted difference: {share(*sets_with_all(planned, holds))}")


def donor_bin(donors):
    return " 8-11" if donors < 12 else "12-24" if donors < 25 else "25-32"


def grouped(rows, key):
    groups = collections.defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return sorted(groups.items())


def verdicts(rows):
    counts = collections.Counter(row.verdict for row in rows)
    return " [" + ", ".join(f"{verdict} {n}" for verdict, n in sorted(counts.items())) + "]" if counts else ""


def reasons(rows):
    counts = collections.Counter(row.get("not_tested_reason") for row in rows if row.get("not_tested_reason"))
    return "; " + ", ".join(f"{reason}: {n}" for reason, n in sorted(counts.items())) if counts else ""
