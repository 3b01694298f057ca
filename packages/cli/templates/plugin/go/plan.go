package main

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
)

// wanted is a requested subnet.
type wanted struct {
	Name  string `json:"name"`
	Hosts uint32 `json:"hosts"`
}

// place is the network of a subnet.
type place struct {
	Name    string       `json:"name"`
	Network netip.Prefix `json:"network"`
}

// doesNotFit is the error for a network that is too small. Its text is for the user.
type doesNotFit struct{ text string }

func (d doesNotFit) Error() string { return d.text }

// plan assigns each subnet the smallest block for its hosts, at the first free place. A subnet keeps its previous place as long as it
// fits there, so that its addresses don't change because of other subnets.
func plan(network netip.Prefix, subnets []wanted, before []place) ([]place, error) {
	network = network.Masked()
	bitsFor := map[string]int{}
	for _, subnet := range subnets {
		// Includes the network address and the broadcast address.
		bitsFor[subnet.Name] = 32 - bits.Len32(subnet.Hosts+1)
	}
	taken := map[string]netip.Prefix{}
	for _, had := range before {
		length, isWanted := bitsFor[had.Name]
		block := had.Network.Masked()
		if isWanted && block.Bits() == length && network.Bits() <= length && network.Overlaps(block) && !overlapsAny(block, taken) {
			taken[had.Name] = block
		}
	}
	places := make([]place, 0, len(subnets))
	for _, subnet := range subnets {
		block, isKept := taken[subnet.Name]
		if !isKept {
			var found bool
			if block, found = findPlace(network, bitsFor[subnet.Name], taken); !found {
				text := "%s has no space left for %s with %d hosts; choose a larger network"
				return nil, doesNotFit{fmt.Sprintf(text, network, subnet.Name, subnet.Hosts)}
			}
			taken[subnet.Name] = block
		}
		places = append(places, place{subnet.Name, block})
	}
	return places, nil
}

// findPlace finds the first free block of a size, which begins at a multiple of its size.
func findPlace(network netip.Prefix, length int, taken map[string]netip.Prefix) (netip.Prefix, bool) {
	size := uint64(1) << (32 - length)
	for first := number(network.Addr()); first+size <= end(network); {
		block := netip.PrefixFrom(address(first), length)
		next := first
		for _, other := range taken {
			if other.Overlaps(block) {
				next = (end(other) + size - 1) / size * size
				break
			}
		}
		if next == first {
			return block, true
		}
		first = next
	}
	return netip.Prefix{}, false
}

func overlapsAny(block netip.Prefix, taken map[string]netip.Prefix) bool {
	for _, other := range taken {
		if other.Overlaps(block) {
			return true
		}
	}
	return false
}

// end returns the address after the last one of a network.
func end(network netip.Prefix) uint64 {
	return number(network.Masked().Addr()) + uint64(1)<<(32-network.Bits())
}

func number(address netip.Addr) uint64 {
	bytes := address.As4()
	return uint64(binary.BigEndian.Uint32(bytes[:]))
}

func address(number uint64) netip.Addr {
	var bytes [4]byte
	binary.BigEndian.PutUint32(bytes[:], uint32(number))
	return netip.AddrFrom4(bytes)
}
