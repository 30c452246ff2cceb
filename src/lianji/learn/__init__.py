"""What models are made from and become. It reads the history and keeps files of its own."""
