"""The product's doors with a small document at the API's address that has every kind of entry in it."""

from django.http import JsonResponse
from django.urls import include, path

from common import access

_ROW = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "status": {"$ref": "#/components/schemas/Status"},
        "note": {"type": "string", "nullable": True, "maxLength": 80, "description": "补充一句 <b>话</b>。"},
        "children": {"type": "array", "items": {"$ref": "#/components/schemas/Row"}},
        "place": {"allOf": [{"$ref": "#/components/schemas/Place"}], "description": "在哪里。"},
        "kind": {"oneOf": [{"$ref": "#/components/schemas/Status"}, {"type": "integer"}]},
        "due": {"type": ["string", "null"], "format": "date-time"},
    },
}
DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "示例接口", "version": "1.0.0", "description": "给系统看的。"},
    "paths": {
        "/api/v1/rows/": {
            "get": {
                "operationId": "rows_list", "summary": "行：列表", "tags": ["行"], "description": "一段\n\n两段",
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100, "default": 50}},
                    {"$ref": "#/components/parameters/Match"},
                ],
                "responses": {
                    "200": {
                        "description": "好了",
                        "headers": {"ETag": {"schema": {"type": "string"}, "description": "标记"}},
                        "content": {"application/json": {"schema": {"type": "array", "items": {"$ref":
                            "#/components/schemas/Row"}}}},
                    },
                    "404": {"$ref": "#/components/responses/Missing"},
                },
            },
            "post": {
                "operationId": "rows_create", "summary": "行：新建", "tags": ["行"],
                "requestBody": {"content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Row"}, "examples": {"one": {"value": {"note": "灯坏了"}}},
                }}},
                "responses": {"201": {"description": "做好了"}},
            },
        },
        "/api/v1/other/{id}/": {"delete": {"operationId": "other_end", "responses": {"204": {"description": ""}}}},
    },
    "components": {
        "schemas": {
            "Row": _ROW, "Status": {
                "type": "string", "enum": ["open", "closed"], "description": "* `open` - 开着\n* `closed` - 关了",
            },
            "Place": {"type": "object", "properties": {"name": {"type": "string"}}},
        },
        "parameters": {"Match": {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}},
        "responses": {"Missing": {"description": "没有"}},
    },
}  # fmt: skip


@access.public
def document(request):
    """Answer the document."""
    return JsonResponse(DOCUMENT)


urlpatterns = [path("api/v1/openapi.json", document), path("", include("hedong.urls"))]
