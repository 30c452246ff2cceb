"""Jobs: Python functions that run when it is their turn, and survive what happens meanwhile.

    def run(context: JobContext) -> None: ...

A tenant may use so much at once and gets its fair share over days; a job of higher priority takes
the place of a lower one, which saves its state, goes back into the queue and resumes from there.
"""
