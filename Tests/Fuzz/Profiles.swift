// modules: Core MQTT WebSocket Dialing JSON Journal Uplink Device Agent SimulatedBoard Profile
// seeds: devices
import Profile

/// Any bytes are a profile, or there is a problem with them that has a place in the file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let (configuration, problems) = ProfileReader.read(bytes, brokerURL: nil)
  precondition(configuration != nil || !problems.isEmpty)
  for problem in problems {
    precondition(problem.offset >= 0 && problem.offset <= count)
    precondition(!problem.described(file: "f", in: bytes).isEmpty)
  }
  return 0
}
