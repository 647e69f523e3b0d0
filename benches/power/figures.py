"""The figures at the end, and the requirements."""
import collections

from bounds import exact, share, sets_with_all, sets_with_any

RECALL, FALSE_RATE, REACHED = 0.95, 0.05, 60


def line(row):
    """Progress: one network and one class that carries the tag."""
    case, tag, truth = row.case, row.case.tag, row.truth
    look = f"{tag.side} px opacity {tag.opacity} {tag.place:>8} head x{row.scale:g}"
    behaviour = f"tag moves {100 * truth.moved:5.1f} %, helps {100 * truth.helped:5.1f}"
    if truth.cue_moved is not None:
        behaviour += f", cue {100 * truth.cue_moved:5.1f} %"

    found = f"{row.get('tagged') or 0:3} tagged -> {row.verdict}"
    if row.get("hosts"):
        found += f" ({row.get('flips')} of {row.get('hosts')} flip, control {row.get('control_flips')}"
        found += f", {row.get('donors')} donors"
        found += f", p {_number(row.get('insertion_p'))} and {_number(row.get('removal_p'))})"
    if row.get("contrast_missing"):
        found += f" [no B: {row.get('contrast_missing')}]"
    return f"{case.kind:>25} {100 * case.prevalence:3.0f} % {look}: {behaviour}; {found}"


def _number(value):
    return "-" if value is None else f"{value:.3f}"


def report(results):
    """Prints all figures; 1 when a requirement is not met."""
    # Whichever set ended first.
    results = sorted(results, key=lambda r: (r.case.kind, r.case.seed, r.scale, r.label))
    sets, networks = {r.case.key for r in results}, {(r.case.key, r.scale) for r in results}
    print(f"\n{len(sets)} sets of photos, {len(networks)} networks")
    print("Bounds are exact 95 % intervals (Clopper and Pearson) over sets: networks that share photos count once.")
    failures = recall(results) + hard_negatives(results)
    false_discoveries(results)
    calibration(results)
    interval_coverage(results)
    stopped(results)

    for failure in failures:
        print(f"NOT MET: {failure}")
    return int(bool(failures))


def is_confirmed(row):
    return row.is_confirmed


def is_suspected(row):
    return row.is_suspected


def recall(results):
    """Used tags on at least 30 groups must be confirmed."""
    used = [r for r in results if r.is_used]
    due = [r for r in used if not r.is_known_limit]
    found, sets = sets_with_all(due, is_confirmed)
    print("\nUsed tags (a tenth of 1,000 fresh images moved, net of synthetic patches) on at least 30 groups")
    print(f"  confirmed               {share(found, sets)}")
    print(f"  confirmed or candidate  {share(*sets_with_all(due, is_suspected))}")

    plain = [r for r in due if r.case.kind == "planted"]
    special = [r for r in due if r.case.group == "planted" and r.case.kind != "planted"]
    breakdown = (
        (special, lambda r: "hosts of a validation split" if r.case.held_out else "hosts that the head is trained on"),
        (due, lambda r: r.case.kind + (f", head x{r.scale:g}" if len(r.case.scales) > 1 else "")),
        (plain, lambda r: f"planted, prevalence {r.case.prevalence}"),
        (plain, lambda r: f"planted, side {r.case.tag.side}"),
        (plain, lambda r: f"planted, opacity {r.case.tag.opacity}"),
    )
    for rows, key in breakdown:
        for name, of in grouped(rows, key):
            print(f"    {name}: confirmed {share(*sets_with_all(of, is_confirmed))}{verdicts(of)}")
    for kind, rows in grouped([r for r in used if r.is_known_limit], lambda r: r.case.kind):
        why = "C asks for the class that moves most" if len(rows[0].case.classes) > 1 else "object and tag cannot be told apart"
        print(f"  not counted, {why}: {kind}{verdicts(rows)}")

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
        design(kind, rows)
        if not any(r in reached for r in rows):
            failures.append(f"no hard negative of design {kind} reached C")

    false, sets = sets_with_any(reached, is_confirmed)
    print(f"  all that reached C: confirmed {share(false, sets)}, upper bound {100 * exact(false, sets)[1]:.1f} %")
    if sets < REACHED:
        failures.append(f"at least {REACHED} hard negatives that reach C: {sets}")
    if sets and false / sets > FALSE_RATE:
        failures.append(f"`confirmed` hard negatives at most {FALSE_RATE}: {share(false, sets)}")
    return failures


def design(kind, rows):
    """What became of the sets of one design of hard negatives."""
    unused = [r for r in rows if r.is_hard_negative]
    reached = [r for r in unused if r.reached_intervention]
    away = [r for r in unused if not r.reached_intervention]
    used = [r for r in rows if r.truth.is_used]
    undecided = [r for r in rows if not r.truth.is_used and not r.is_hard_negative]

    false = share(*sets_with_any(reached, is_confirmed))
    print(f"  {kind}: reached C {len(reached)}, confirmed {false}{verdicts(reached)}")
    for why, of in grouped(reached, lambda r: r.get("contrast_missing") or "B holds"):
        print(f"    {why}: {len(of)}{verdicts(of)}")
    cues = [r.truth.cue_moved for r in reached if r.truth.cue_moved is not None]
    if cues:
        print(f"    the cue beside it moves a tenth of the images in {sum(cue >= 0.1 for cue in cues)} of {len(cues)}")
    print(f"    did not reach C {len(away)}{verdicts(away)}")
    print(f"    by behaviour used {len(used)}{verdicts(used)}, undecided {len(undecided)}{verdicts(undecided)}")


def false_discoveries(results):
    """Over all groups of sets and all classes, also those without the tag."""
    quiet = [r for r in results if r.is_without_effect]
    print("\nAll pairs of a class and a tag")
    false = share(*sets_with_any(quiet, is_confirmed))
    print(f"  sets with a pair without an effect, of these with a confirmed one: {false}")
    for name, holds in (("confirmed", is_confirmed), ("confirmed or candidate", is_suspected)):
        found = [r for r in results if holds(r)]
        false = share(*sets_with_any(found, lambda r: r.is_without_effect))
        print(f"  sets with a {name} pair, of these with one without an effect: {false}")

    easy = [r for r in results if r.case.group == "easy" and r.is_planted_class]
    for kind, rows in grouped(easy, lambda r: r.case.kind):
        print(f"    {kind}: reached C {sum(r.reached_intervention for r in rows)} of {len(rows)}{verdicts(rows)}")


def calibration(results):
    """How often p is small where its null hypothesis holds. A floor on the effect makes p larger than uniform.

    The p tests a rise of the margin, so pairs whose margin does rise on fresh images take no part, although no image
    flips. Where no image of the class lacks the tag, patches and holes also change the object; there these p alone
    confirm nothing.
    """
    print("\np of C under its null (hard negatives that reached it, without a rise of the margin)")
    null = [r for r in results if r.is_hard_negative and r.has_no_margin_effect]
    alone = [r for r in null if r.case.prevalence > 0.9]
    for column in ("insertion_p", "removal_p"):
        for name, rows in (("", [r for r in null if r not in alone]), (", (nearly) all images tagged", alone)):
            rows = [r for r in rows if r.get(column) is not None]
            small = share(*sets_with_any(rows, lambda r: r.get(column) <= 0.05))
            print(f"  {column} at most 0.05{name}: {small}")


def interval_coverage(results):
    """Whether 95 % intervals of the insertion hold what it estimates: see truth.expected_insertion."""
    wanted = [r for r in results if r.expected is not None]
    tested = [r for r in wanted if r.get("donors")]
    print("\nIntervals of the insertion against the same experiment on 1,000 fresh hosts with fresh donors")
    print("  (net of the weakest of three controls in expectation; heads trained on photos outside of the audited set)")
    print(f"  {len(tested)} of {len(wanted)} sets reached C")

    for donors, rows in grouped(tested, lambda r: _donors(r.get("donors"))):
        for name, column, truth in (("net flip rate", "flip", "rate"), ("margin", "insertion", "margin")):
            triples = [(r.get(f"{column}_low"), getattr(r.expected, truth), r.get(f"{column}_high")) for r in rows]
            holds = sum(low <= true <= high for low, true, high in triples)
            above = sum(low > true for low, true, _ in triples)
            below = sum(high < true for _, true, high in triples)
            print(f"  {donors} donors, {name}: hold it {share(holds, len(rows))}, lie above {above}, lie below {below}")

    planned = [r for r in results if r.is_planted_class and r.case.group in ("planted", "intervals")]
    planned = [r for r in planned if r.get("association_low") is not None and len(r.case.classes) == 1]
    holds = lambda r: r.get("association_low") <= r.case.prevalence - r.case.leak <= r.get("association_high")
    print(f"  intervals of A that hold the planted difference: {share(*sets_with_all(planned, holds))}")


def _donors(count):
    return " 8 to 11" if count < 12 else "12 to 24" if count < 25 else "25 to 32"


def stopped(results):
    """Audits that ended with an error. They count as missed, and never as quiet."""
    reasons = collections.Counter(r.get("not_tested_reason") for r in results if r.verdict == "stopped")
    for reason, n in sorted(reasons.items()):
        print(f"\naudit stopped ({n} pairs): {reason}")


def grouped(rows, key):
    groups = collections.defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return sorted(groups.items())


def verdicts(rows):
    counts = collections.Counter(row.verdict for row in rows)
    return " [" + ", ".join(f"{verdict} {n}" for verdict, n in sorted(counts.items())) + "]" if counts else ""
