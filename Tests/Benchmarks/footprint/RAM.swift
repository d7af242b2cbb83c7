import Core
import MQTT

/// Bytes of the block that the client's tables are in.
@_cdecl("client_table_bytes")
public func tableBytes() -> Int32 {
  var plan = Arena()
  _ = makeClient(&plan)
  return Int32(truncatingIfNeeded: plan.used)
}

/// Bytes of the client itself, wherever its owner has it.
@_cdecl("client_state_bytes")
public func stateBytes() -> Int32 { Int32(truncatingIfNeeded: MemoryLayout<Client>.size) }
