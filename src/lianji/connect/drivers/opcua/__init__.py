"""OPC UA (IEC 62541): subscriptions for what changes, batch reads for what always does."""
