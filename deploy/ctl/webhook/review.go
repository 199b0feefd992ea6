package webhook

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/json"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/jsonpatch"
)

// The kind of a review, and its API group, which the version follows.
const (
	kindReview  = "AdmissionReview"
	groupReview = "admission.k8s.io/"
)

// An answer is the answer to one request. It always allows the pod.
type answer struct {
	result   result
	patch    []jsonpatch.Operation
	warnings []string
	question *inject.ImageQuestion // whose answer would give a better patch; nil if there is none
}

// warn returns an answer without a patch and with a warning.
func warn(r result, format string, args ...any) answer {
	return answer{result: r, warnings: []string{fmt.Sprintf(format, args...)}}
}

// maxParts bounds the values of a review. A pod has some hundreds, and one with thirty containers
// of a hundred variables 9,000. Without a bound, 8 MiB of "{},{},{}" would decode to 2 GB of
// containers, and anyone who may create pods could crash the webhook.
const maxParts = 10_000

// hasManyParts reports whether a JSON text has more than maxParts values.
func hasManyParts(text []byte) bool {
	parts, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++ // an escaped quote does not end the string
		case !quoted && (c == ',' || c == '{' || c == '['):
			parts++
		}
	}
	return parts > maxParts
}

// decodeReview returns an error if the text is not a review with a request.
func decodeReview(text []byte) (*admissionv1.AdmissionReview, error) {
	review := new(admissionv1.AdmissionReview)
	// Like the API server: field names are case-sensitive and integers keep their precision.
	if err := json.UnmarshalCaseSensitivePreserveInts(text, review); err != nil {
		return nil, fmt.Errorf("decode AdmissionReview: %w", err)
	}
	if review.Kind != kindReview || !strings.HasPrefix(review.APIVersion, groupReview) {
		return nil, fmt.Errorf("must be an AdmissionReview of %sv1, got kind %q of %q", groupReview,
			review.Kind, review.APIVersion)
	}
	if review.Request == nil || review.Request.UID == "" {
		return nil, errors.New("the AdmissionReview has no request with a uid")
	}
	return review, nil
}

// encodeReview returns an answer in the version of its request.
func encodeReview(asked metav1.TypeMeta, uid types.UID, a answer) ([]byte, error) {
	response := &admissionv1.AdmissionResponse{UID: uid, Allowed: true, Warnings: cleanWarnings(a.warnings)}
	if len(a.patch) > 0 {
		patch, err := stdjson.Marshal(a.patch)
		if err != nil {
			return nil, fmt.Errorf("encode patch: %w", err)
		}
		kind := admissionv1.PatchTypeJSONPatch
		response.Patch, response.PatchType = patch, &kind
	}
	return stdjson.Marshal(&admissionv1.AdmissionReview{TypeMeta: asked, Response: response})
}

// parseBeginning reads what an answer needs from the first bytes of a review. The API server writes
// kind, apiVersion and the UID of the request first. It returns false if they are missing.
func parseBeginning(text []byte) (asked metav1.TypeMeta, uid types.UID, found bool) {
	in := tokens{stdjson.NewDecoder(bytes.NewReader(text))}
	for key := range in.keys() {
		switch key {
		case "kind":
			asked.Kind = in.text()
		case "apiVersion":
			asked.APIVersion = in.text()
		case "request":
			for key := range in.keys() {
				if key == "uid" {
					uid = types.UID(in.text())
				}
				break // the UID is the first key
			}
			return asked, uid, asked.Kind == kindReview && strings.HasPrefix(asked.APIVersion,
				groupReview) && uid != ""
		default:
			return asked, "", false
		}
	}
	return asked, "", false
}

// tokens reads a JSON text that may be cut off anywhere.
type tokens struct{ *stdjson.Decoder }

// keys enters an object and iterates over its keys. The loop must read the value of each key.
func (t tokens) keys() func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if open, err := t.Token(); err != nil || open != stdjson.Delim('{') {
			return
		}
		for t.More() {
			if !yield(t.text()) {
				return
			}
		}
	}
}

// text returns the next token if it is a string, else "".
func (t tokens) text() string {
	token, err := t.Token()
	if err != nil {
		return ""
	}
	s, _ := token.(string)
	return s
}
