"""Label the heart of one patient in every frame."""

from twinbeat import segmentation, stage, store
from twinbeat.parameters import Segmentation

with stage.job(snakemake) as job:
    image = store.open(job.input.image)
    labels = segmentation.segment(image, Segmentation(**job.params.segmentation))
    job.publish(segmentation.rated(labels).assign_attrs(kind="labels"))
