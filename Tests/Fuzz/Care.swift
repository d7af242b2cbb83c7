// modules: Core MQTT WebSocket Dialing JSON Journal Uplink Device Agent
import Agent
import Core
import JSON

/// Any bytes are a request, or none. What is one has a number and a task, and a profile of its own only where
/// that is what it is about: one object, and nothing but white space around it. Any bytes are a record, or
/// none, too; one that was read is written so that it is read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let body = UnsafeBufferPointer(start: start, count: count).span
  checkRequest(body)
  checkRecord(body)
  return 0
}

private func checkRequest(_ body: Span<UInt8>) {
  let request = CareRequest(body)
  guard request.isWellFormed else { return }
  precondition(request.number > 0 && request.number <= 1 << 53)
  guard let task = request.task else { preconditionFailure("a request is about something") }
  precondition((task == .log) == (request.level != nil))
  precondition((task == .profile) == !request.profile.isEmpty)
  guard task == .profile else { return }
  var reader = JSONReader()
  let profile = body.extracting(request.profile.range)
  do throws(JSONError) {
    guard case .beginObject? = try reader.next(in: profile) else {
      preconditionFailure("a profile is an object")
    }
    while try reader.next(in: profile) != nil {}
  } catch {
    preconditionFailure("a part of what is JSON is JSON")
  }
}

private func checkRecord(_ text: Span<UInt8>) {
  guard let record = CareRecord(parsing: text) else { return }
  let first = written(record)
  guard let again = CareRecord(parsing: first.span) else {
    preconditionFailure("what was written can be read")
  }
  precondition(written(again) == first)
}

private func written(_ record: CareRecord) -> [UInt8] {
  [UInt8](capacity: CareRecord.bytesMax) { out in record.append(to: &out) }
}
