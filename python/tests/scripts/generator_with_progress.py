import csv

from valence import pipeline

pipe = pipeline("sentiment-analysis")


def data():
    with open("reviews.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["review"]


counts = {}
for done, out in enumerate(pipe(data()), 1):
    counts[out["label"]] = counts.get(out["label"], 0) + 1
print(done, counts)
assert done == sum(counts.values()) == 40
