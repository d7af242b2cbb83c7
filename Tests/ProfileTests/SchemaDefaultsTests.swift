import Core
import Foundation
import Profile
import Testing

/// A profile that has each object in which a key may have a default, and what these need.
private let context = #"""
  {"device": {"id": "d"},
   "broker": {"url": "mqtts://b.example", "tls": {"crl": "/crl", "alpn": "mqtt"}},
   "uplink": {"backoff": {}, "timeouts": {}, "batch": {"every": "5m"}},
   "budget": {}, "journal": {},
   "points": {
     "input": {"kind": "input", "line": "A", "keep": {}, "report": {}, "simulate": {}},
     "counter": {"kind": "counter", "line": "B", "keep": {}, "report": {}, "simulate": {}},
     "sensor": {"kind": "sensor", "simulated": true, "keep": {}, "report": {}, "simulate": {}},
     "output": {"kind": "output", "line": "C", "keep": {}, "report": {}}}}
  """#

/// A key that need not be there: where it is, and what the schema says it then is.
private struct Default {
  let path: [String]
  let value: Any
}

@Test func theDefaultsInTheSchemaAreTheReaders() throws {
  let tree = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
  let schema = try #require(
    JSONSerialization.jsonObject(
      with: Data(contentsOf: tree.appending(path: "devices/schema.json"))) as? [String: Any])
  let definitions = try #require(schema["$defs"] as? [String: [String: Any]])
  let profile = try #require(
    JSONSerialization.jsonObject(with: Data(context.utf8)) as? [String: Any])
  var found = defaults(of: schema, definitions, in: profile, [])
  for kind in ["input", "counter", "sensor", "output"] {
    let definition = try #require(definitions[kind])
    let point = try #require((profile["points"] as? [String: [String: Any]])?[kind])
    found += defaults(of: definition, definitions, in: point, ["points", kind])
  }
  #expect(found.count > 60)
  for one in found {
    var base = profile
    // Without a URL of its own there is no TLS.
    if one.path == ["broker", "url"] { base["broker"] = [String: Any]() }
    let silent = try configuration(base)
    let said = try configuration(setting(one.path, of: base, to: one.value))
    #expect(silent == said, "\(one.path.joined(separator: ".")) is \(one.value) by the schema")
  }
}

/// The defaults of an object's keys and of those of the objects in it that `value` has, too.
private func defaults(
  of schema: [String: Any], _ definitions: [String: [String: Any]], in value: [String: Any],
  _ path: [String]
) -> [Default] {
  var found: [Default] = []
  for (key, inner) in schema["properties"] as? [String: [String: Any]] ?? [:] {
    var inner = inner
    while let reference = inner["$ref"] as? String {
      let target = definitions[String(reference.dropFirst("#/$defs/".count))] ?? [:]
      inner["$ref"] = nil
      inner.merge(target) { own, _ in own }
    }
    if let said = inner["default"] { found.append(Default(path: path + [key], value: said)) }
    if let part = value[key] as? [String: Any] {
      found += defaults(of: inner, definitions, in: part, path + [key])
    }
  }
  return found
}

/// All that the reader makes of a profile, as text.
private func configuration(_ profile: [String: Any]) throws -> String {
  let bytes = Array(try JSONSerialization.data(withJSONObject: profile, options: .sortedKeys))
  let result = ProfileReader.read(bytes)
  var configuration = try #require(result.configuration, "\(result.problems)")
  configuration.device.profileHash = 0
  configuration.memoryBudgetOffset = 0
  var text = ""
  dump(configuration, to: &text)
  return text
}

private func setting(_ path: [String], of object: [String: Any], to value: Any) -> [String: Any] {
  var object = object
  guard path.count > 1 else {
    object[path[0]] = value
    return object
  }
  let inner = object[path[0]] as? [String: Any] ?? [:]
  object[path[0]] = setting(Array(path.dropFirst()), of: inner, to: value)
  return object
}
