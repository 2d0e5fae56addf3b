"""From proposal to champion: what people and pipelines do, each step an entry of the ledger."""
