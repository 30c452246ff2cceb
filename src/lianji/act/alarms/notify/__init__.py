"""Telling people of alarms: by mail, by webhook, by the robots of WeCom and DingTalk.

Nothing leaves the plant but what ``[[notify]]`` in ``lianji.toml`` names.
"""
