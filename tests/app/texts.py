"""Questions to a bank, as a person would enter them."""

from fsl_keras.app.texts import upload_of

QUESTIONS = {
    "card": [
        "Where is my card?",
        "My new card has not arrived yet",
        "When will the card be delivered",
        "I am still waiting for my card",
        "Has my card been sent",
    ],
    "pin": [
        "I want to change my PIN",
        "How do I set a new PIN?",
        "Set another PIN please",
        "Is a PIN change possible at the machine",
        "Can I choose my own PIN",
    ],
    "rate": [
        "What is the exchange rate?",
        "Which exchange rates do you use",
        "The exchange rate was wrong",
        "How good is the rate for euros",
        "Does the rate change at weekends",
    ],
}


def teach_questions(session, shots=5):
    """Teaches the three classes of questions."""
    for name, questions in QUESTIONS.items():
        session.teach(name, list(map(upload_of, questions[:shots])))
