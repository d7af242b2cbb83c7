import Core
import TestSupport
import Testing
import WebSocket

/// Frames as RFC 6455 writes them, and what it refuses.
@Suite struct FrameTests {
  private let hello = utf8("Hello")
  private let mask = MaskKey(0x37FA_213D)

  private func header(_ bytes: [UInt8], at side: Side = .client) throws(FrameFault) -> FrameHeader?
  {
    try FrameHeader.decode(bytes.span, at: side)
  }

  private func fault(_ bytes: [UInt8], at side: Side = .client) -> FrameFault? {
    do throws(FrameFault) {
      _ = try header(bytes, at: side)
      return nil
    } catch {
      return error
    }
  }

  /// The examples of section 5.7, with bytes instead of text.
  @Test func examplesOfTheSpecification() throws {
    #expect(frame(.binary, hello) == [0x82, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
    #expect(
      frame(.text, hello, mask: mask)
        == [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58])
    #expect(frame(.ping, hello) == [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
    #expect(
      frame(.pong, hello, mask: mask)
        == [0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58])
    let zeros = [UInt8](repeating: 0, count: 65_536)
    #expect(frame(.binary, Array(zeros[..<256])).starts(with: [0x82, 0x7E, 0x01, 0x00]))
    #expect(
      frame(.binary, zeros).starts(with: [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]))
  }

  @Test(
    arguments: [
      (0, 2), (1, 2), (125, 2), (126, 4), (127, 4), (65_535, 4), (65_536, 10),
      (0x7FFF_FFFF_FFFF_FFFF, 10),
    ] as [(UInt64, Int)])
  func lengthsTakeTheFewestBytesAndComeBack(length: UInt64, size: Int) throws {
    for (side, mask) in [(Side.client, nil), (.server, mask)] as [(Side, MaskKey?)] {
      let sent = FrameHeader(isFinal: false, opcode: .binary, mask: mask, payloadBytes: length)
      let bytes = written { sent.encode(into: &$0) }
      #expect(sent.size == bytes.count && bytes.count == size + (mask == nil ? 0 : 4))
      #expect(try header(bytes, at: side) == sent)
      for count in bytes.indices {
        #expect(try header(Array(bytes[..<count]), at: side) == nil)
      }
    }
  }

  @Test func lengthInMoreBytesThanItNeedsIsRefused() {
    #expect(fault([0x82, 126, 0, 125]) == .lengthNotMinimal)
    #expect(fault([0x82, 126, 0, 126]) == nil)
    #expect(fault([0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) == .lengthNotMinimal)
    #expect(fault([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]) == nil)
    #expect(fault([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]) == .lengthTooLarge)
  }

  @Test func reservedBitsAndOpcodesAreRefusedAtTheFirstByte() {
    for first in 0...255 as ClosedRange<UInt8> {
      let isKnown = [0, 1, 2, 8, 9, 10].contains(first & 15)
      let expected: FrameFault? =
        first & 0x70 != 0
        ? .reservedBits
        : !isKnown ? .reservedOpcode : first & 0x88 == 0x08 ? .fragmentedControl : nil
      #expect(fault([first]) == expected, "\(first)")
    }
  }

  @Test func onlyClientsMask() {
    #expect(fault([0x82, 0x80]) == .wrongMasking)
    #expect(fault([0x82, 0x00], at: .server) == .wrongMasking)
    #expect(fault([0x82, 0x80], at: .server) == nil)
  }

  @Test(arguments: [0x88, 0x89, 0x8A] as [UInt8])
  func controlFramesHaveUpTo125Bytes(first: UInt8) {
    #expect(fault([first, 125]) == nil)
    #expect(fault([first, 126]) == .longControl)
    #expect(fault([first, 127]) == .longControl)
  }

  @Test func textIsRefusedForMQTT() {
    let result = unwrapped(frame(.text, hello))
    #expect(result.reader.end == .failed(.text) && result.bytes.isEmpty)
    #expect(result.reader.end?.answerCode == 1003)
  }

  @Test func messageMayComeInPartsWithAPingBetween() {
    let parts: [[UInt8]] = [
      [0x02, 2, 1, 2], frame(.ping, [7]), [0x00, 0], [0x80, 1, 3], frame(.binary, [4]),
    ]
    let result = unwrapped(Array(parts.joined()))
    #expect(result.bytes == [1, 2, 3, 4])
    #expect(result.pings == [[7]] && result.reader.end == nil)
  }

  @Test func partsOutOfOrderAreRefused() {
    #expect(unwrapped([0x80, 0]).reader.end == .failed(.wrongContinuation))
    #expect(unwrapped([0x02, 0, 0x82, 0]).reader.end == .failed(.wrongContinuation))
    #expect(unwrapped([0x02, 0, 0x80, 0, 0x80, 0]).reader.end == .failed(.wrongContinuation))
    #expect(unwrapped([0x02, 0, 0x01, 0]).reader.end == .failed(.text))
  }

  @Test func latestPingIsTheOneToAnswer() {
    #expect(unwrapped(frame(.ping, [1]) + frame(.ping, [2, 3])).pings == [[2, 3]])
    #expect(unwrapped(frame(.ping, [])).pings == [[]])
    #expect(unwrapped(frame(.pong, [1])).pings == [])
    let longest = [UInt8](repeating: 9, count: 125)
    #expect(unwrapped(frame(.ping, longest)).pings == [longest])
    #expect(unwrapped(frame(.ping, hello, mask: mask), side: .server).pings == [hello])
  }

  @Test func whatComesAfterTheCloseIsDropped() {
    let close = frame(.close, [0x03, 0xE8] + utf8("bye"))
    let result = unwrapped(frame(.binary, [1]) + close + frame(.binary, [2]) + [0xFF])
    #expect(result.bytes == [1] && result.reader.end == .closed(code: 1000))
    #expect(unwrapped(frame(.close, [])).reader.end == .closed(code: nil))
  }

  @Test func closeCodesThatAreNeverSentAreRefused() {
    func end(_ code: UInt16) -> FrameEnd? {
      unwrapped(frame(.close, [UInt8(code >> 8), UInt8(code & 255)])).reader.end
    }
    for code in [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999] as [UInt16] {
      #expect(end(code) == .closed(code: code))
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] as [UInt16] {
      #expect(end(code) == .failed(.invalidClose), "\(code)")
    }
    #expect(unwrapped(frame(.close, [3])).reader.end == .failed(.invalidClose))
  }

  @Test func reasonIsUTF8() {
    let code: [UInt8] = [0x03, 0xE9]
    #expect(unwrapped(frame(.close, code + utf8("tschüß 🐦"))).reader.end == .closed(code: 1001))
    for reason in [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] as [[UInt8]] {
      let end = unwrapped(frame(.close, code + reason)).reader.end
      #expect(end == .failed(.malformedReason) && end?.answerCode == 1007)
    }
  }

  @Test func closeIsWrittenWithItsCodeOrWithout() {
    #expect(written { Frame.appendClose(code: 1003, mask: nil, to: &$0) } == [0x88, 2, 3, 0xEB])
    #expect(written { Frame.appendClose(code: nil, mask: nil, to: &$0) } == [0x88, 0])
    let masked = written { Frame.appendClose(code: 1000, mask: mask, to: &$0) }
    #expect(masked.count == 8)
    #expect(unwrapped(masked, side: .server).reader.end == .closed(code: 1000))
  }
}
