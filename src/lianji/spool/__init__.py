"""The durable log: nobody says yes before the spool has it on disk."""
