"""What the person of the gallery has written and read, in three languages: chats with everything a reply may hold.

Invariant: each language has as many chats as the others, and the first is the rich one. Nothing is stored here.
"""

from __future__ import annotations

_CODE = '''```python
def stays(kept: int, context: int, reply: int) -> bool:
    """Whether a reply still has room."""
    # four characters are about one token
    return kept + reply <= context
```'''

RICH = {
    "en": (
        "Plan a week of dinners for two, quick ones. Put them in a table.",
        "<think>Two people, quick meals. A table with the day, the dish and the minutes; then what to buy.</think>\n\n"
        "## A week of quick dinners\n\nNone takes more than **half an hour**, and two use what the day before left.\n\n"
        "| Day | Dinner | Minutes |\n|---|---|---:|\n| Monday | Lentil soup with lemon | 30 |\n"
        "| Tuesday | Pasta with *broccoli* | 20 |\n| Wednesday | Fried rice | 15 |\n\n"
        "- lemons, lentils, rice\n- broccoli\n  - the stems go into the soup\n- `400 g` of pasta\n\n"
        "> Cook double the rice on Tuesday: cold rice fries better.",
        "And a function that tells whether a reply still has room in the context?",
        f"Here it is:\n\n{_CODE}\n\n1. Count what is kept.\n2. Add the reply.\n3. Compare with the context.",
    ),
    "ko": (
        "두 사람이 먹을 일주일 저녁 식단을 간단한 요리로 짜 줘. 표로 보여 줘.",
        "<think>두 사람, 간단한 요리. 요일과 요리와 시간을 표로 만들고 장볼 것을 적는다.</think>\n\n"
        "## 간단한 저녁 식단 일주일\n\n모두 **30분** 안에 만들 수 있고, 이틀은 전날 남은 재료를 씁니다.\n\n"
        "| 요일 | 저녁 | 분 |\n|---|---|---:|\n| 월요일 | 된장찌개와 두부 | 30 |\n"
        "| 화요일 | *브로콜리* 파스타 | 20 |\n| 수요일 | 김치볶음밥 | 15 |\n\n"
        "- 두부, 된장, 쌀\n- 브로콜리\n  - 줄기는 찌개에 넣습니다\n- 파스타 `400 g`\n\n"
        "> 화요일에 밥을 넉넉히 지으세요. 찬밥이 더 잘 볶아집니다.",
        "답변이 컨텍스트에 들어갈 자리가 있는지 알려 주는 함수도 써 줘.",
        f"다음과 같습니다.\n\n{_CODE}\n\n1. 남아 있는 것을 셉니다.\n2. 답변을 더합니다.\n3. 컨텍스트와 비교합니다.",
    ),
    "it": (
        "Prepara un menu di cene veloci per due, per una settimana. Mettilo in una tabella.",
        "<think>Due persone, piatti veloci. Una tabella con giorno, piatto e minuti; poi la spesa.</think>\n\n"
        "## Una settimana di cene veloci\n\nNessuna richiede più di **mezz'ora**, e due usano gli avanzi.\n\n"
        "| Giorno | Cena | Minuti |\n|---|---|---:|\n| Lunedì | Zuppa di lenticchie al limone | 30 |\n"
        "| Martedì | Pasta con i *broccoli* | 20 |\n| Mercoledì | Riso saltato | 15 |\n\n"
        "- limoni, lenticchie, riso\n- broccoli\n  - i gambi vanno nella zuppa\n- `400 g` di pasta\n\n"
        "> Martedì cuoci il doppio del riso: freddo si salta meglio.",
        "E una funzione che dica se una risposta ha ancora posto nel contesto?",
        f"Eccola:\n\n{_CODE}\n\n1. Conta ciò che resta.\n2. Aggiungi la risposta.\n3. Confronta con il contesto.",
    ),
}

TITLES = {
    "en": (
        "Dinners for a week",
        "A letter to the landlord",
        "Why the sky is red at dusk",
        "Names for a bookshop",
        "Regular expressions, slowly",
        "Packing for Lisbon",
        "The difference between affect and effect in a sentence",
        "Questions for a job interview",
        "A poem about rain",
        "Reading a bank statement",
        "Ideas for a birthday",
        "How vaccines work",
    ),
    "ko": (
        "일주일 저녁 식단",
        "집주인에게 보내는 편지",
        "노을이 붉은 이유",
        "책방 이름 짓기",
        "정규 표현식 차근차근",
        "리스본 여행 짐 싸기",
        "‘되’와 ‘돼’를 문장에서 헷갈리지 않고 구별하는 방법",
        "면접에서 나올 질문",
        "비에 관한 시",
        "통장 내역 읽기",
        "생일 선물 아이디어",
        "백신이 듣는 원리",
    ),
    "it": (
        "Cene per una settimana",
        "Lettera al padrone di casa",
        "Perché il tramonto è rosso",
        "Nomi per una libreria",
        "Espressioni regolari, con calma",
        "La valigia per Lisbona",
        "La differenza tra “affinché” e “a fin che” in una frase",
        "Domande per un colloquio",
        "Una poesia sulla pioggia",
        "Leggere un estratto conto",
        "Idee per un compleanno",
        "Come funzionano i vaccini",
    ),
}

NAMES = (
    *("Alcove", "English", "한국어", "Italiano", "Python", "TheBloke", "hf_", "FP16", "llama", "llama2", "mit"),
    *("apache-2.0", "Alpaca", "ChatML", "Llama-2", "Mistral", "Vicuna", "Zephyr", "JSON", "Markdown", "GGUF"),
    *("TheBloke/zephyr-7B-beta-GGUF", "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF", "TheBloke/Mistral-7B-v0.1-GGUF"),
    *("TheBloke/Mistral-7B-Instruct-v0.1-GGUF", "TheBloke/Llama-2-7b-Chat-GGUF", "huggingface.co"),
    *("mistral-7b-instruct-v0.1.Q4_K_M.gguf", "llama-2-7b-chat.Q5_K_M.gguf", "tinyllama-1.1b-chat-v1.0.Q8_0.gguf"),
)
AGES_H = (0.2, 1, 3, 26, 30, 50, 75, 200, 420, 800, 1500, 3000)  # of the chats, in hours
