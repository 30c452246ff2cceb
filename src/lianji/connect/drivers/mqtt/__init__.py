"""MQTT: JSON, plain numbers and Sparkplug B from a broker."""
