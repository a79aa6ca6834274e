"""Verdicts for pages, and what pages are read with."""

import re
from html.parser import HTMLParser

from twinbeat.verdicts import NeedsReview, Quarantined, Rejected

REJECTED = Rejected("slice-missing", "slice 7 of 12 is missing <gap of 16.0 mm>", "import_image")
QUARANTINED = Quarantined(
    "no-convergence", "Newton stopped at a residual of 3e2, expected below 1e-8", "calibrate_twin"
)
NEEDS_REVIEW = NeedsReview("unstable-myocardium", "the myocardium departs by 23 %, expected 0 to 10 %", "review_labels")
CLINICAL = "results/study/p-01/clinical.json"


class Elements(HTMLParser):
    """Tags with their attributes, and the names that are linked to or defined in a page."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def of(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def rows_of(text):
    """The rows of all tables of a page, without the tags."""
    return [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr>(.*?)</tr>", text)]
