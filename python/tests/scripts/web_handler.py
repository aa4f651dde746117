import json
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from valence import pipeline


@lru_cache(maxsize=1)
def get_model():
    return pipeline("sentiment-analysis")


def handle(body):
    try:
        text = json.loads(body)["inputs"]
        return 200, json.dumps(get_model()(text))
    except (KeyError, ValueError, TypeError) as error:
        return 400, json.dumps({"error": str(error)})


with ThreadPoolExecutor(4) as pool:
    answers = list(pool.map(handle, ['{"inputs": "nice"}', '{"inputs": ["a", "b"]}', '{"inputs": 3}', "{}"]))
print(answers)
assert [status for status, _ in answers] == [200, 200, 400, 400]
