import Core
import Linux

/// The number of the last session, kept over restarts, so that session numbers only ever grow.
///
/// Numbers are reserved in blocks of 100: the file is written once at the first connection and once
/// every hundred connections after that, not at each one (flash wears). A restart skips what was
/// reserved and not used. Without a place to write, numbers begin at 1 with each start.
public struct SessionNumbers: ~Copyable {
  private static var block: UInt64 { 100 }

  private let path: FixedText<1024>
  private var reserved: UInt64
  /// The number to go on counting from.
  public let last: UInt64
  private var error: SystemError?

  /// Reads the file at `path`, which need not be there; an empty path keeps nothing.
  public init(path: Span<UInt8>) {
    self.path = FixedText(path)
    var number: UInt64 = 0
    var text = ShortText()
    if path.count > 0 {
      text = ShortText { out in
        do throws(SystemError) { try File.read(path, into: &out) } catch {}
      }
    }
    text.withBytes { bytes in
      for index in bytes.indices {
        let digit = bytes[index] &- UInt8(ascii: "0")
        guard digit < 10, number < 0x20_0000_0000_0000 else { break }
        number = number * 10 + UInt64(wide: digit)
      }
    }
    last = number
    reserved = number
  }

  /// Says in the log that the file could not be written, once each time.
  mutating func tellError() {
    guard let error else { return }
    self.error = nil
    Log.write(.warning) { line in
      line.append(literal: "session numbers are not kept over a restart: ")
      path.withBytes { line.append(contentsOf: $0) }
      line.append(literal: ": ")
      line.append(error)
      line.append(literal: "; is the state folder there, and may this user write to it?")
    }
  }

  /// Session `number` begins: sees to it that no later run uses it again.
  public mutating func use(_ number: UInt64) {
    guard number > reserved, path.count > 0 else { return }
    reserved = number + Self.block - 1
    var text = ShortText()
    text = ShortText { out in
      out.append(digits: reserved, width: 1)
      out.append(UInt8(ascii: "\n"))
    }
    do throws(SystemError) {
      try path.withBytes { (path) throws(SystemError) in
        try text.withBytes { (bytes) throws(SystemError) in
          try File.write(atomically: bytes, to: path)
        }
      }
      error = nil
    } catch {
      self.error = error
    }
  }
}
