"""Check a dossier with nothing but Python 3.11 and the package `cryptography`.

python verify_dossier.py FOLDER FINGERPRINT...: the unpacked zip, and the fingerprints of the first
root keys from somebody you trust. Checked: every file of the bundle, signatures and place of every
entry, who signed policies and approvals, which bundle is champion; not every rule of the policy.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def keys_of(holders):
    found, form = {}, serialization.PublicFormat.SubjectPublicKeyInfo
    for holder, pem in ((one, pem) for one in holders for pem in one["keys"]):
        key = serialization.load_pem_public_key(pem.encode())
        der = key.public_bytes(serialization.Encoding.DER, form)
        found[hashlib.sha256(der).hexdigest()] = key, holder["id"]
    return found


def signers_of(seq, envelope, keys):
    kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    message, found = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload), set()
    for one in envelope["signatures"]:
        if one["keyid"] not in keys:
            sys.exit(f"REFUSED: entry {seq}: signed by a key that no policy names, or revoked")
        (key, holder), signature = keys[one["keyid"]], base64.b64decode(one["sig"])
        p256 = isinstance(key, ec.EllipticCurvePublicKey)
        try:
            key.verify(signature, message, *([ec.ECDSA(hashes.SHA256())] if p256 else []))
        except InvalidSignature:
            sys.exit(f"REFUSED: entry {seq}: a signature does not hold")
        found.add(holder)
    return found


def follow(lines, trusted):
    previous, policy, revoked, intents, approvals, champions = "0" * 64, {}, set(), {}, {}, {}
    for seq, line in enumerate(lines, start=1):
        envelope = json.loads(line)
        entry = json.loads(base64.b64decode(envelope["payload"]))
        if (entry["seq"], entry["previous"]) != (seq, previous):
            sys.exit(f"REFUSED: entry {seq}: does not follow the one before")
        previous, body = hashlib.sha256(line).hexdigest(), entry["body"]
        new = body["policy"] if entry["action"] == "policy" else {}
        named = [one for p in ("roots", "people", "services") for one in policy.get(p, [])]
        keys = keys_of(named + new.get("roots", []))
        signers = signers_of(seq, envelope, {m: k for m, k in keys.items() if m not in revoked})
        if new and not policy and set(keys_of(new["roots"])) != set(trusted):
            sys.exit("REFUSED: the first policy has other roots than you trust")
        for roots in (policy or new, new) if new else ():
            if len(signers & {root["id"] for root in roots["roots"]}) < 2:
                sys.exit(f"REFUSED: entry {seq}: fewer than two roots signed the policy")
        if entry["action"] not in ("policy", "revoke") and signers != {entry["actor"]["id"]}:
            sys.exit(f"REFUSED: entry {seq}: not signed by {entry['actor']['name']}")
        policy = new or policy
        match entry["action"]:
            case "revoke":
                revoked.add(body["key"])
            case "approve":
                if not signers <= {person["id"] for person in policy["people"]}:
                    sys.exit(f"REFUSED: entry {seq}: approved by somebody not among the people")
                approvals.setdefault(body["proposal"], []).append(entry)
            case "intent":
                intents[previous] = body
            case "recall":
                champions = {n: c for n, c in champions.items() if c[0] != body["bundle_sha256"]}
            case "commit":
                for move in (moved := intents[body["intent"]])["moves"]:
                    if move["alias"] == "champion":
                        bundle = (move["after"] or {}).get("bundle_sha256")
                        champions[moved["model_name"]] = (
                            bundle,
                            approvals.get(moved["proposal"], ()),
                        )
    return champions


def bundle_of(folder):
    listed = json.loads(text := (folder / "bundle.json").read_bytes())["files"]
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    if wrong := (there - {"bundle.json", "bundle.sig"}) ^ set(listed):
        sys.exit(f"REFUSED: files missing or too many: {sorted(wrong)}")
    for name, digest in listed.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            sys.exit(f"REFUSED: {name} was altered")
    return hashlib.sha256(text).hexdigest()


if __name__ == "__main__":
    entries = ((home := Path(sys.argv[1])) / "ledger.jsonl").read_bytes().splitlines()
    model = json.loads((home / "dossier.json").read_bytes())["model_name"]
    champion, given = follow(entries, sys.argv[2:]).get(model, (None, []))
    if champion != (own := bundle_of(home / "bundle")):
        sys.exit(f"REFUSED: bundle {own} is not the champion of {model}")
    print(f"{len(entries)} entries hold; champion of {model}: bundle {own}")
    for who, one in ((one["actor"], one) for one in given):
        print(f"  {who['name']} ({who['role']}), {one['time']}: {one['reason']}")
