from valence import pipeline

# The usual way around models of 512 tokens: chunks, and a vote.
classifier = pipeline("sentiment-analysis", truncation=True)
document = "The hotel was lovely and the staff were kind. " * 200
words = document.split()
chunks = [" ".join(words[k:k + 200]) for k in range(0, len(words), 200)]
votes = [result["label"] for result in classifier(chunks)]
winner = max(set(votes), key=votes.count)
print(winner, classifier(document)[0])
assert winner == "positive" == classifier(document)[0]["label"]
