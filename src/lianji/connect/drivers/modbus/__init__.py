"""Modbus over TCP (our own pipelined client) and over a serial line (RTU, by pymodbus)."""

from lianji.connect.drivers.modbus.driver import ModbusConfig, ModbusDriver

__all__ = ["ModbusConfig", "ModbusDriver"]
