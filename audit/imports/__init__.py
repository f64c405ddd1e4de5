"""Tables in: a file is read, looked at, written as a whole or not at all, and can be taken back as a whole.

docs/tables.md draws the states. What a registry's columns mean is the affair of its `common.tables.sheet.Sheet`.
"""
