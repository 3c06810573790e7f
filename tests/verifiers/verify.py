"""Webhooks checked as their receivers in Python do.

    verify.py WEBHOOKS.json

Each has `secret`, `headers` and `body`. First as PromptLayer's documentation has it, on the payload as it was parsed;
then by the library of Standard Webhooks.
"""

import hashlib
import hmac
import json
import sys

from standardwebhooks import Webhook


def promptlayer(payload, signature, secret):
    text = json.dumps(payload, sort_keys=True)
    expected = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)


with open(sys.argv[1]) as file:
    webhooks = json.load(file)
for webhook in webhooks:
    secret, headers, body = webhook["secret"], webhook["headers"], webhook["body"]
    if webhook["is_newest"]:
        assert promptlayer(json.loads(body), headers["x-promptlayer-signature"], secret), body
    assert Webhook(secret).verify(body, headers) == json.loads(body)
print(f"{len(webhooks)} webhooks are verified by Python")
