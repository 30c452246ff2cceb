"""``lianji hub drill``: a group of hubs is failed over for real, in copies that nobody misses.

copies     folders of hubs, copied so that they touch nothing outside and nothing of the first
hubs       real processes over the copies, on ports of loopback
edges      simulated edges: real spools and uplinks, and a load that is known
course     what happens, step by step, and how long it takes
checks     what must hold afterwards
report     what was found, signed
"""
