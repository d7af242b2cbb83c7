import Core
import JSON
import Journal
import Linux
import Uplink

/// `sandpiper journal FILE`: what a journal holds. Touches nothing.
enum JournalCommand {
  private enum Option {
    static let json: Int32 = 1
    static let verify: Int32 = 2
  }

  private typealias Ring = JournalRing.Ring

  static func perform() -> Exit {
    var options = Options(after: 1)
    options.add("json", code: Option.json)
    options.add("verify", code: Option.verify)
    var isJSON = false
    var isVerifying = false
    while let code = options.next() {
      switch code {
      case Option.json: isJSON = true
      case Option.verify: isVerifying = true
      default: return .usage
      }
    }
    let path = Sandpiper.argument(options.firstOperand)
    guard Arguments.count == options.firstOperand + 1, !(isJSON && isVerifying) else {
      Console.complain("usage: sandpiper journal [--json|--verify] FILE")
      return .usage
    }
    return show(path, isJSON: isJSON, isVerifying: isVerifying)
  }

  private static func show(_ path: String, isJSON: Bool, isVerifying: Bool) -> Exit {
    var exit = Exit.fine
    let fault = JournalRing.withRing(at: [UInt8](path.utf8)) { ring in
      exit = isJSON ? export(&ring) : summarise(&ring, path, isVerifying)
    }
    guard let fault else { return exit }
    Console.complain("sandpiper: \(path): \(fault)")
    return .failure
  }

  // MARK: For people

  private static func summarise(
    _ ring: inout Ring, _ path: String, _ isVerifying: Bool
  ) -> Exit {
    var counts = [Int](repeating: 0, count: 16)
    var bytes = [Int](repeating: 0, count: 16)
    JournalRing.forEach(in: &ring) { head, _ in
      counts[Int(head.recordClass)] += 1
      bytes[Int(head.recordClass)] += head.bodyBytes
    }
    let records = counts.reduce(0, +)
    if ring.medium.isInUse {
      Console.complain("\(path): in use: an agent may be writing to it meanwhile")
    }
    let rotten = ring.counters.rotten
    guard !isVerifying else {
      let what = rotten == 0 ? "good" : "\(rotten) records can't be read any more"
      Console.print("\(path): \(what); \(records) records wait")
      return rotten == 0 ? .fine : .failure
    }
    let size = ring.medium.byteCount
    Console.print(row("size", "\(size) bytes, of which records may take \(ring.capacityBytes)"))
    Console.print(row("free", "\(ring.freeBytes) bytes"))
    Console.print(row("written so far", "\(ring.tail.offset) bytes of records and marks"))
    Console.print(row("records that wait", "\(records)"))
    for index in 0..<16 where counts[index] > 0 {
      let name = RecordClass(rawValue: UInt8(index)).map { "\($0.word)" } ?? "\(index)"
      Console.print(row("  of class \(name)", "\(counts[index]), \(bytes[index]) bytes"))
    }
    Console.print(row("can't be read any more", "\(rotten)"))
    return .fine
  }

  private static func row(_ name: String, _ value: String) -> String {
    Console.left(name, 24) + value
  }

  // MARK: For programs

  /// Each record that waits as a line of JSON.
  private static func export(_ ring: inout Ring) -> Exit {
    JournalRing.forEach(in: &ring) { head, body in
      let line = [UInt8](capacity: 256 + 8 * body.count) { out in write(head, body, to: &out) }
      Console.print(String(decoding: line, as: UTF8.self))
    }
    return .fine
  }

  private static func write(
    _ head: RecordHead, _ body: Span<UInt8>, to out: inout OutputSpan<UInt8>
  ) {
    out.append(literal: "{\"position\":")
    out.append(decimal: head.position.offset)
    out.append(literal: ",\"sequence\":")
    out.append(digits: UInt64(wide: head.sequence), width: 1)
    out.append(literal: ",\"class\":")
    out.append(digits: UInt64(wide: head.recordClass), width: 1)
    if let recordClass = RecordClass(rawValue: head.recordClass) {
      out.append(literal: ",\"word\":\"")
      out.append(literal: recordClass.word)
      out.append(literal: "\"")
    }
    out.append(literal: ",\"time\":")
    out.append(decimal: head.time.nanoseconds)
    out.append(literal: ",\"body\":\"")
    for index in body.indices { append(hex: body[index], to: &out) }
    out.append(literal: "\"")
    if isText(body) {
      out.append(literal: ",\"text\":")
      out.append(jsonString: body)
    }
    out.append(literal: "}")
  }

  private static func isText(_ body: Span<UInt8>) -> Bool {
    for index in body.indices where body[index] < 0x20 || body[index] > 0x7E { return false }
    return !body.isEmpty
  }

  private static func append(hex byte: UInt8, to out: inout OutputSpan<UInt8>) {
    for digit in [byte >> 4, byte & 15] {
      out.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
    }
  }
}
