"""An account brought from empty or half filled to full, from the commands; and the commands from the log.

`survey` counts what is there and what it will cost, `account` has the sink apply every command as a new epoch of the
account's outcomes, `commands` puts on the command topic what the log decides and the topic lacks.
"""
