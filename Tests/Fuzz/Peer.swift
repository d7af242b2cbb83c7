// modules: Core MQTT
// with: Tests/MQTTTests/Session/V5/LegalServer.swift Tests/MQTTTests/Session/V5/LegalServer+Handling.swift Tests/MQTTTests/Session/V5/LegalOwner.swift Tests/MQTTTests/Session/V5/LegalOwner+Sending.swift
import Core
import MQTT

nonisolated(unsafe) private let memory = UnsafeMutableRawBufferPointer.allocate(
  byteCount: 4096, alignment: Arena.alignment)

/// A server, an owner and a link that keep the rules: each byte is a choice of theirs, and what the
/// session promises holds (see `LegalOwner`).
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeBufferPointer(start: start, count: count)
  var index = 0
  var arena = Arena(over: memory)
  let owner = LegalOwner(arena: &arena) { bound in
    defer { index += 1 }
    return index < count ? Int(bytes[index]) % bound : 0
  }
  while index < count && owner.problems.isEmpty { owner.step() }
  if owner.problems.isEmpty { owner.calmDown() }
  precondition(owner.problems.isEmpty, "\(owner.problems)")
  return 0
}
