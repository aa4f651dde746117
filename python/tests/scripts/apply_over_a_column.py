import pandas as pd

from valence import pipeline

df = pd.read_csv("reviews.csv")
sentiment_pipeline = pipeline("sentiment-analysis")
df["sentiment"] = df["review"].apply(lambda text: sentiment_pipeline(text[:512])[0]["label"])
df[["label", "score"]] = df["review"].apply(lambda text: pd.Series(sentiment_pipeline(text)[0]))
print(df.groupby("sentiment")["stars"].mean())
assert df[df["sentiment"] == "positive"]["stars"].mean() > df[df["sentiment"] == "negative"]["stars"].mean()
