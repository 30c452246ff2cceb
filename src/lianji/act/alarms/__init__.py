"""Alarms after ISA-18.2 (IEC 62682): rows that people write, a state for each, and a journal.

definition, table    one row of ``alarms/*.csv``, and reading and writing such a file
alarm                a row and a tag: one alarm, with its words
conditions, rates    is it true, for all alarms at once; delays: has it been so for long enough
newest, watch        what the history says, and what follows from it
states               the standard's states: values in, values out
flood                many alarms of one group as one line
lines                alarms as people see them
store                state and journal in the state database
room                 all of it together, once a second
notify               mail and webhooks
"""
