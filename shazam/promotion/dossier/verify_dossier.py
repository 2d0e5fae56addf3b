"""Check a dossier with nothing but Python 3.11 and the package `cryptography`.

python verify_dossier.py FOLDER FINGERPRINT...: the unpacked zip, and those of the first root keys,
from somebody you trust. It checks files, chain, signers and champion, not every rule of the policy.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def check(holds, what):
    if not holds:
        sys.exit(f"REFUSED: {what}")


def keys_of(policy, *parts):
    found, form = {}, serialization.PublicFormat.SubjectPublicKeyInfo
    for holder in (one for part in parts for one in policy.get(part, [])):
        for key in (serialization.load_pem_public_key(pem.encode()) for pem in holder["keys"]):
            der = key.public_bytes(serialization.Encoding.DER, form)
            found[hashlib.sha256(der).hexdigest()] = key, holder["id"]
    return found


def signers_of(seq, envelope, keys):
    kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    for one in envelope["signatures"]:
        check(one["keyid"] in keys, f"entry {seq}: signed by a key of no policy, or revoked")
        key, signature = keys[one["keyid"]][0], base64.b64decode(one["sig"])
        p256 = isinstance(key, ec.EllipticCurvePublicKey)
        try:
            key.verify(signature, message, *([ec.ECDSA(hashes.SHA256())] if p256 else []))
        except InvalidSignature:
            check(False, f"entry {seq}: a signature does not hold")
    return {keys[one["keyid"]][1] for one in envelope["signatures"]}


def follow(lines, trusted):
    previous, policy, revoked, bodies, approvals, champions = "0" * 64, {}, set(), {}, {}, {}
    for seq, line in enumerate(lines, start=1):
        envelope = json.loads(line)
        entry = json.loads(base64.b64decode(envelope["payload"]))
        check((entry["seq"], entry["previous"]) == (seq, previous), f"entry {seq}: does not follow")
        action, body, previous = entry["action"], entry["body"], hashlib.sha256(line).hexdigest()
        new = body["policy"] if action == "policy" else {}
        keys = keys_of(policy, "roots", "people", "services") | keys_of(new, "roots")
        signers = signers_of(seq, envelope, {m: k for m, k in keys.items() if m not in revoked})
        pinned = policy or not new or set(keys) == set(trusted)
        check(pinned, "the first policy has other roots than you trust")
        roots = [{root["id"] for root in one["roots"]} for one in (policy or new, new) if one]
        agreed = all(len(signers & ids) >= 2 for ids in roots)
        owner = keys[body["key"]][1] if action == "revoke" else entry["actor"]["id"]
        right = agreed if new or (action == "revoke" and len(signers) > 1) else signers == {owner}
        check(right, f"entry {seq}: not signed by {entry['actor']['name']}, or not by two roots")
        policy, bodies[previous] = new or policy, body
        if action == "revoke":
            revoked.add(body["key"])
        elif action == "recall":
            champions = {n: c for n, c in champions.items() if c[0] != body["bundle_sha256"]}
        elif action == "approve":
            people = {person["id"] for person in policy["people"]}
            check(signers <= people, f"entry {seq}: approved by none of the people")
            approvals.setdefault(body["proposal"], []).append(entry)
        elif action == "commit":
            moved = bodies[body["intent"]]
            for after in (m["after"] for m in moved["moves"] if m["alias"] == "champion"):
                given = approvals.get(moved["proposal"], [])
                champions[moved["model_name"]] = (after or {}).get("bundle_sha256"), given
    return champions


def bundle_of(folder):
    listed = json.loads(text := (folder / "bundle.json").read_bytes())["files"]
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    wrong = (there - {"bundle.json", "bundle.sig"}) ^ set(listed)
    check(not wrong, f"files missing or too many: {sorted(wrong)}")
    for name, digest in listed.items():
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        check(found == digest, f"{name} was altered")
    return hashlib.sha256(text).hexdigest()


if __name__ == "__main__":
    home = Path(sys.argv[1])
    entries = (home / "ledger.jsonl").read_bytes().splitlines()
    model = json.loads((home / "dossier.json").read_bytes())["model_name"]
    champion, given = follow(entries, sys.argv[2:]).get(model, (None, []))
    own = bundle_of(home / "bundle")
    check(champion == own, f"bundle {own} is not the champion of {model}")
    print(f"{len(entries)} entries hold; champion of {model}: bundle {own}")
    for one in given:
        print(f"  {one['actor']['name']} ({one['actor']['role']}), {one['time']}: {one['reason']}")
