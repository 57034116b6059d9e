"""What the server says to people is known to the browser client, which says it in their language."""

import json
import subprocess
from pathlib import Path

from sessions.host.server import LOGGED_OFF, RESET
from sessions.limits import Limit, farewell
from sessions.rules import AtLimit, Rules
from tsgateway import inviting
from tsgateway.access.watch import OVER
from tsgateway.admittance import UNINVITED

ROOT = Path(__file__).parents[2]
RULES = [
    Rules(idle_minutes=minutes, active_minutes=minutes, disconnected_minutes=minutes, at_limit=at_limit)
    for minutes in (0.5, 1, 5, 120)
    for at_limit in AtLimit
]
SENTENCES = {
    OVER.format(reference="7K3-QX2"),
    *LOGGED_OFF.values(),
    *RESET.values(),
    *(farewell(limit, rules) for limit in Limit for rules in RULES),
    UNINVITED,
    inviting.OVER,
    inviting.ENDED,
    inviting.DENIED,
    "Ada Lovelace does not allow it.",
    "ada is asked to allow it.",
    "ada has ended it.",
}


def test_the_client_knows_every_sentence_and_says_it_the_same_in_english():
    script = (
        'import("./webclient/session/reasons.js").then(({ spoken, REASONS }) => console.log(JSON.stringify('
        f"{json.dumps(sorted(SENTENCES))}.map((text) => [text, spoken(text), "
        "REASONS.some(({ pattern }) => pattern.test(text))]))))"
    )
    ran = subprocess.run(
        ["node", "--input-type=module", "-e", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for text, said, known in json.loads(ran.stdout):
        assert known, f"webclient/session/reasons.js lacks: {text}"
        assert said == text
