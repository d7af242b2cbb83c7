import CLinux
import Core
import Linux

/// What small files of the system say, and who runs this program.
enum SystemText {
  /// Larger files than this are taken as empty.
  private static let bytesMax = 1 << 18

  /// The lines of the file at `path`, without their ends; none when it cannot be read.
  @inline(never)
  static func lines(of path: Words) -> [[UInt8]] {
    let bytes = [UInt8](capacity: bytesMax) { out in
      do throws(SystemError) {
        try File.read(path.bytes.span, into: &out)
      } catch {
        out.removeAll()
      }
    }
    var lines: [[UInt8]] = []
    var line: [UInt8] = []
    for byte in bytes {
      if byte != UInt8(ascii: "\n") {
        line.append(byte)
        continue
      }
      lines.append(line)
      line = []
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }

  /// The first line of a file; empty when there is none.
  @inline(never)
  static func line(of path: Words) -> Words { Words(lines(of: path).first ?? []) }

  /// What stands behind `key` in the first line that begins with it; empty when none does.
  static func value(of key: StaticString, in path: Words) -> Words {
    let count = key.utf8CodeUnitCount
    for line in lines(of: path)
    where line.count >= count && line.span.extracting(0..<count).equals(key) {
      return Words([UInt8](line[count...]))
    }
    return Words()
  }

  /// What is at `path`; nil when nothing is, or it is not to be seen.
  @inline(never)
  static func survey(_ path: Words) -> FileSurvey? { try? FileSurvey(path.bytes.span) }

  /// True when something is at `path`, and be it a link that leads nowhere.
  @inline(never)
  static func isThere(_ path: Words) -> Bool { File.isThere(path.bytes.span) }

  /// The system's words for an error number.
  @inline(never)
  static func reason(_ code: Int32) -> Words {
    SystemError.withText(of: code) { text in
      Words(upTo: text.count) { out in out.append(contentsOf: text) }
    }
  }

  // MARK: Users and groups

  // The libraries behind getpwuid(3) and getgrgid(3) cannot be loaded by a static program.

  /// The name of who runs this program, or the number.
  static var user: Words { user(geteuid()) }

  /// The name of a user, or the number.
  static func user(_ number: UInt32) -> Words { name(of: number, in: "/etc/passwd") }

  /// The name of a group, or its number.
  static func group(_ number: UInt32) -> Words { name(of: number, in: "/etc/group") }

  /// True when /etc/group has the user in the group: a session that has begun before does not know.
  static func isMember(_ user: Words, of group: Words) -> Bool {
    for line in lines(of: "/etc/group") where field(0, of: line, ":") == group.bytes {
      let members = field(3, of: line, ":")
      for index in 0..<members.count where field(index, of: members, ",") == user.bytes {
        return true
      }
    }
    return false
  }

  @inline(never)
  private static func name(of number: UInt32, in file: Words) -> Words {
    let digits: Words = "\(Int64(number))"
    for line in lines(of: file) where field(2, of: line, ":") == digits.bytes {
      return Words(field(0, of: line, ":"))
    }
    return digits
  }

  /// Field `index` of a line, counted from 0; empty where there are fewer.
  @inline(never)
  static func field(_ index: Int, of line: [UInt8], _ separator: Unicode.Scalar) -> [UInt8] {
    var number = 0
    var field: [UInt8] = []
    for byte in line {
      if UInt32(byte) == separator.value {
        number += 1
      } else if number == index {
        field.append(byte)
      }
    }
    return field
  }
}
