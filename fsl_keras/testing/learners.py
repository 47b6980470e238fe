def check_learner(l):
    pass


def learner_checks():
    return []
