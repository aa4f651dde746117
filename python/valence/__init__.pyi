from valence.analyzer import Analyzer as Analyzer
from valence.analyzer import Result as Result
from valence.errors import BadModel as BadModel
from valence.errors import ModelUnavailable as ModelUnavailable
from valence.errors import TrainingFailed as TrainingFailed
from valence.frames import analyze_frame as analyze_frame
from valence.pipelines import TextClassificationPipeline as TextClassificationPipeline
from valence.pipelines import pipeline as pipeline
from valence.training import train as train

__version__: str
