import pandas as pd

from valence import pipeline

df = pd.read_csv("reviews.csv")
nlp = pipeline(task="sentiment-analysis", model=None, tokenizer=None, truncation=True, max_length=512)
predictions = pd.DataFrame(nlp(df["review"].tolist(), batch_size=8, padding=True))
df = pd.concat([df, predictions], axis=1)
print(df["label"].value_counts())
assert len(predictions) == len(df) and list(predictions.columns) == ["label", "score"]
