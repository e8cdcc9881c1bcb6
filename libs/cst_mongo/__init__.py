"""MongoDB: client, transactions, declared indexes, leases, numbers, the shared clock."""
