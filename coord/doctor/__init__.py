"""``coord doctor``: what is wrong with a repository, why it matters, and the command that mends it.

A check is a function in one of the modules beside this one and a row in ``coord.doctor.checks.CHECKS``, or in ``coord.doctor.untidy.UNTIDY``.
"""
