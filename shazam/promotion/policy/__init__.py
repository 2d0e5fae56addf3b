"""Who may do what, and the rules that every entry of the ledger must keep."""
