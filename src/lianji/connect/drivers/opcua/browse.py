"""What a server offers: its variables below a node, level by level.

Nodes are asked a hundred at a time and visited once, so cycles do no harm; depth and count are
bounded. Properties (ranges, units, versions) describe a variable and are not shown as signals.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIdNames, ObjectIds

from lianji.base.errors import InputError, Text
from lianji.connect.driver import Found
from lianji.connect.drivers.opcua.address import parse_address, write_address
from lianji.connect.drivers.opcua.convert import as_text
from lianji.connect.drivers.opcua.session import Session, chunks, node_id
from lianji.dictionary.units import check_unit

_log = structlog.get_logger(__name__)
DEPTH_MAX = 25
NODES_MAX = 200_000
ELEMENTS_MAX = 64
"""An array this long is shown element by element, since elements are what tags read."""
VALUE_LENGTH_MAX = 80
_OBJECTS = node_id(ObjectIds.ObjectsFolder)
_SERVER = node_id(ObjectIds.Server)
_PROPERTY = node_id(ObjectIds.HasProperty)
_UCUM = {"°C": "Cel", "℃": "Cel", "°F": "[degF]", "m³/h": "m3/h", "m³": "m3", "l/min": "L/min"}


@dataclass(slots=True)
class _Seen:
    """A node on the way: where it is, and what its browsing said about it."""

    node: ua.NodeId
    name: str
    variable: bool
    unit_node: ua.NodeId | None = None
    below: list[_Seen] = field(default_factory=list)


async def browse(session: Session, start: str = "") -> AsyncIterator[Found]:
    """Every variable below ``start`` (an address; empty: the Objects folder, without Server).

    Raises InputError for an address that is none or that the server does not know.
    """
    root = await _root(session, start)
    visited = {root.node, _SERVER} if root.node == _OBJECTS else {root.node}
    level = [root]
    for _ in range(DEPTH_MAX):
        following: list[_Seen] = []
        for part in chunks(level, session.nodes_per_browse):
            await _look_below(session, part)
            for found in await _describe(session, [seen for seen in part if seen.variable]):
                yield found
            for child in (child for seen in part for child in seen.below):
                if child.node not in visited and len(visited) < NODES_MAX:
                    visited.add(child.node)
                    following.append(child)
        level = following
        if not level:
            break
    if level or len(visited) >= NODES_MAX:
        _log.warning("browse-cut-short", nodes=len(visited), depth_max=DEPTH_MAX)


async def _root(session: Session, start: str) -> _Seen:
    if not start:
        return _Seen(_OBJECTS, "", variable=False)
    try:
        (place,) = await session.places([parse_address(start)])
    except ValueError as error:
        raise _no_such_start(str(error), str(error)) from error
    asked = ua.ReadValueId(place.node, AttributeIds.NodeClass)
    (answer,) = await session.read([asked])
    if not answer.StatusCode.is_good():
        raise _no_such_start(f"The server has no node {start}.", f"服务器上没有节点 {start}。")
    is_variable = answer.Value.Value == ua.NodeClass.Variable
    return _Seen(place.node, start if is_variable else "", is_variable)


def _no_such_start(en: str, zh: str) -> InputError:
    remedy = Text(
        "Browse without a start to see what there is.", "请不带起点浏览，查看有哪些节点。"
    )
    return InputError("opcua-no-such-node", Text(en, zh), remedy)


async def _look_below(session: Session, part: Sequence[_Seen]) -> None:
    """Fill in the children and the unit's node of each."""
    question = ua.BrowseParameters()
    question.NodesToBrowse = [_forward(seen.node) for seen in part]
    with session.guarded():
        results = await session.services.browse(question)
    for seen, result in zip(part, results, strict=True):
        references = list(result.References or ())
        while result.ContinuationPoint:
            following = ua.BrowseNextParameters()
            following.ContinuationPoints = [result.ContinuationPoint]
            with session.guarded():
                (result,) = await session.services.browse_next(following)
            references += result.References or ()
        for reference in references:
            _take_reference(seen, reference)


def _forward(node: ua.NodeId) -> ua.BrowseDescription:
    wish = ua.BrowseDescription()
    wish.NodeId = node
    wish.BrowseDirection = ua.BrowseDirection.Forward
    wish.ReferenceTypeId = node_id(ObjectIds.HierarchicalReferences)
    wish.IncludeSubtypes = True
    wish.NodeClassMask = ua.NodeClass.Object | ua.NodeClass.Variable
    wish.ResultMask = ua.BrowseResultMask.All
    return wish


def _take_reference(seen: _Seen, reference: ua.ReferenceDescription) -> None:
    node = reference.NodeId
    if getattr(node, "ServerIndex", 0):
        return  # a node of another server
    plain = node_id(node.Identifier, node.NamespaceIndex)
    if reference.ReferenceTypeId == _PROPERTY:
        if reference.BrowseName.Name == "EngineeringUnits":
            seen.unit_node = plain
        return
    name = (reference.DisplayName.Text or reference.BrowseName.Name or "").replace("/", "_")
    path = f"{seen.name}/{name}" if seen.name else name
    variable = reference.NodeClass == ua.NodeClass.Variable
    seen.below.append(_Seen(plain, path, variable))


async def _describe(session: Session, variables: Sequence[_Seen]) -> list[Found]:
    """Value, description, type and unit of some variables, in one Read."""
    kinds = (AttributeIds.Value, AttributeIds.Description, AttributeIds.DataType)
    asked = [ua.ReadValueId(seen.node, kind) for seen in variables for kind in kinds]
    units = [seen for seen in variables if seen.unit_node is not None]
    asked += [ua.ReadValueId(seen.unit_node, AttributeIds.Value) for seen in units]
    answers = await session.read(asked)
    unit_of: dict[Any, str] = {
        seen.node: _unit(answer.Value.Value)
        for seen, answer in zip(units, answers[3 * len(variables) :], strict=True)
    }
    rows: list[Found] = []
    for i, seen in enumerate(variables):
        value, description, data_type = answers[3 * i : 3 * i + 3]
        said = getattr(description.Value.Value, "Text", None) or ""
        rows += _found(session, seen, value, data_type, unit_of.get(seen.node, ""), said)
    return rows


def _found(
    session: Session, seen: _Seen, value: Any, data_type: Any, unit: str, description: str
) -> Iterator[Found]:
    address = write_address(seen.node.NamespaceIndex, seen.node.Identifier, session.namespaces)
    kind = _type_name(value.Value, data_type.Value.Value)
    raw = value.Value.Value
    if not isinstance(raw, list | tuple):
        yield Found(address, seen.name, kind, unit, description, _shown(raw))
    elif len(raw) > ELEMENTS_MAX or any(isinstance(item, list | tuple) for item in raw):
        yield Found(address, seen.name, f"{kind}[{len(raw)}]", unit, description, _shown(raw))
    else:
        for i, item in enumerate(raw):
            name = f"{seen.name}[{i}]"
            yield Found(f"{address}[{i}]", name, kind, unit, description, _shown(item))


def _type_name(variant: ua.Variant, data_type: Any) -> str:
    if variant.VariantType not in (None, ua.VariantType.Null):
        return str(variant.VariantType.name)
    if isinstance(data_type, ua.NodeId) and data_type.NamespaceIndex == 0:
        return str(ObjectIdNames.get(int(str(data_type.Identifier)), ""))
    return ""


def _unit(information: Any) -> str:
    """EUInformation (OPC 10000-8, section 5.6.3) as UCUM, empty where that is not known."""
    label = getattr(getattr(information, "DisplayName", None), "Text", None) or ""
    try:
        return check_unit(_UCUM.get(label, label))
    except ValueError:
        return ""


def _shown(raw: Any) -> str:
    if raw is None:
        return ""
    text = as_text(raw)
    shown = str(raw) if text is None else text
    return shown if len(shown) <= VALUE_LENGTH_MAX else f"{shown[: VALUE_LENGTH_MAX - 1]}…"
