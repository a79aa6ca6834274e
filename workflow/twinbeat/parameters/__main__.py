"""Print the default configuration, or its JSON schema."""

import json
import sys

from .study import Study, default_yaml

if sys.argv[1:] == ["schema"]:
    print(json.dumps(Study.model_json_schema(), indent=2))
else:
    print(default_yaml(), end="")
