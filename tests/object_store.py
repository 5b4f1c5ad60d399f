"""A local object store that speaks the protocol of S3."""

from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem


@contextmanager
def serving_s3():
    """Yield the URL of a bucket, and the environment variables that s3fs needs to find it."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    S3FileSystem.clear_instance_cache()  # which may be connected to another server
    try:
        host, port = server.get_host_and_port()
        endpoint, region = f"http://{host}:{port}", "us-east-1"
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client = boto3.client("s3", endpoint_url=endpoint, region_name=region, **keys)
        client.create_bucket(Bucket="results")
        client.close()
        environment = {name.upper(): value for name, value in keys.items()}
        environment |= {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": region}
        yield "s3://results", environment
    finally:
        server.stop()
