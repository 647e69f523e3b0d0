"""One set from planting to findings."""
import dataclasses, pathlib, shutil, tempfile, time

import audit, network, planting, truth

GROUPS_MIN = 30
# Kinds whose pairs are without an effect whatever the drawn tag would do: the photos do not show it, or all classes do.
MEANINGLESS = ("annotated only", "in all classes")


@dataclasses.dataclass(frozen=True)
class Audited:
    """One network, one class: what is true and what was found."""

    case: object
    scale: float
    label: int
    truth: truth.Behaviour
    finding: dict
    expected: truth.Expected | None  # of the insertion; only where intervals are checked

    def get(self, column):
        """A column of the finding; builds of the auditor differ in the columns that they write."""
        return self.finding.get(column)

    @property
    def verdict(self):
        return self.finding["verdict"]

    @property
    def is_planted_class(self):
        return self.label in self.case.classes

    @property
    def reached_intervention(self):
        """One side of C was run."""
        return bool(self.get("hosts") or self.get("filled"))

    @property
    def is_confirmed(self):
        return self.verdict == "confirmed"

    @property
    def is_suspected(self):
        return self.verdict in ("confirmed", "candidate")

    @property
    def is_used(self):
        """The class has the tag on enough groups, and by behaviour the network uses it: to be found."""
        is_shown = self.is_planted_class and self.case.kind not in MEANINGLESS
        # An audit that stopped counts no groups.
        is_enough = self.verdict == "stopped" or (self.get("tagged") or 0) >= GROUPS_MIN
        return is_shown and self.truth.is_used and is_enough

    @property
    def is_known_limit(self):
        """METHOD: in these sets object and tag cannot be told apart, or C asks for the class that moves most."""
        tag = self.case.tag
        return not self.truth.moves_most or tag.look == "letters" or (self.case.prevalence == 1.0 and tag.opacity <= 0.7)

    @property
    def is_hard_negative(self):
        """The class has the tag, and by behaviour the network does not use it."""
        return self.case.group == "hard" and self.is_planted_class and self.truth.is_unused

    @property
    def has_no_margin_effect(self):
        """The tag raises the margin, net of one of C's controls, by no more than the smallest effect that counts."""
        floor = self.get("causal_min_effect")
        return floor is not None and self.truth.margin is not None and self.scale * self.truth.margin <= floor

    @property
    def is_without_effect(self):
        """By how the set is made, or by behaviour."""
        return self.case.kind in MEANINGLESS or self.truth.is_unused

    @property
    def is_error(self):
        """Missed, confirmed wrongly, or stopped."""
        missed = self.is_used and not self.is_known_limit and not self.is_confirmed
        false = self.is_without_effect and self.is_confirmed
        return missed or false or self.verdict == "stopped"


def run(binary, case, keep=None):
    """All networks of one set, every class; and the seconds that it took. Sets with an error are copied to `keep`."""
    start = time.monotonic()
    planted = planting.plant(case)
    head = network.train_head(
        network.features(planted.training_pictures), planted.training_labels, case.class_count
    )
    behaviour = truth.behaviour(case, head)
    expected = None
    if case.group == "intervals":
        expected = truth.expected_insertion(case, head, case.classes[0])

    out = []
    with tempfile.TemporaryDirectory(prefix="power-") as folder:
        folder = pathlib.Path(folder)
        audit.write_set(case, planted.items, folder)
        for scale in case.scales:
            findings = audit.audit(binary, head, scale, folder)
            rows = [
                Audited(case, scale, label, behaviour[label], finding, expected if label in case.classes else None)
                for label, finding in enumerate(findings)
            ]
            if keep and any(row.is_error for row in rows):
                name = f"{case.kind}-{case.seed}-x{scale:g}".replace(" ", "-")
                shutil.copytree(folder, keep / name, dirs_exist_ok=True)
            out += rows
    return out, time.monotonic() - start
