// modules: Core MQTT WebSocket Dialing JSON Journal Uplink Device
import Core
import Device
import JSON
import Uplink

nonisolated(unsafe) private let memory = UnsafeMutableRawBufferPointer.allocate(
  byteCount: 1 << 16, alignment: Arena.alignment)

/// Any bytes are a command or refused; whichever it is, the answer is JSON, and the output is driven
/// only for a command.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let payload = UnsafeBufferPointer(start: start, count: count).span
  var arena = Arena(over: memory)
  let texts: [UInt8] = Array("basedevpump".utf8)
  let device = DeviceSpec(id: Text(offset: 4, count: 3), base: Text(offset: 0, count: 4))
  let pump = PointSpec(name: Text(offset: 7, count: 4), kind: .output)
  var points = Points(
    device, points: [pump].span, texts: texts.span, boardDebounces: true, start: .boot,
    arena: &arena)
  var outbox = Outbox(bytes: 4096, inflight: 4, series: 8, arena: &arena)
  let moment = Moment(
    instant: .boot, wall: WallTime(milliseconds: 1_795_409_400_000), quality: .synced)
  drive(&points, &outbox, moment)

  let name = texts.span.extracting(7..<11)
  let command = Command(name: name, payload: payload, isRetained: false, points: points)
  let refusal = points.carryOut(
    command, at: moment, brokerKeepsCommands: false, outbox: &outbox)
  precondition((refusal == nil) == points.isDriving)
  drive(&points, &outbox, moment)
  checkMessages(&outbox, points, moment)
  return 0
}

private func drive(_ points: inout Points, _ outbox: inout Outbox, _ moment: Moment) {
  while let drive = points.nextDrive() {
    points.driven(
      point: drive.point, readBack: drive.level, at: moment, outbox: &outbox)
  }
}

/// Everything that waits in the outbox is JSON once it is rendered.
private func checkMessages(_ outbox: inout Outbox, _ points: borrowing Points, _ moment: Moment) {
  var count = 0
  while let token = outbox.freeToken(), let place = outbox.nextLive() ?? outbox.nextHistorical() {
    let payload = [UInt8](capacity: 2048) { payload in
      outbox.withBody(place) { record in
        _ = [UInt8](capacity: 256) { topic in
          _ = points.render(record, at: moment, topic: &topic, payload: &payload)
        }
      }
    }
    var reader = JSONReader()
    do throws(JSONError) {
      while try reader.next(in: payload.span) != nil {}
    } catch {
      preconditionFailure("what the agent publishes is JSON")
    }
    outbox.sent(place, count: 1, token: token)
    _ = outbox.acknowledged(token, journaled: { _ in })
    count += 1
  }
  precondition(count >= 1, "a command is answered")
}
