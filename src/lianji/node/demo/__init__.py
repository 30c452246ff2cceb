"""The demo plant: a small injection-moulding factory that exists only as arithmetic.

``physics`` says what every signal is at any moment, ``backfill`` turns that into a month of
history, ``machines`` is the process that really speaks Modbus TCP, OPC UA and MQTT, and
``plant_files`` writes the plant folder that reads it.
"""
