"""What comes again or comes late, so that the table holds each key once."""
