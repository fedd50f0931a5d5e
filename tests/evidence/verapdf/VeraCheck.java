// Prints whether a PDF conforms to each named flavour (3a, ua1) and which clauses failed; exit code 1 when one does not.
import java.io.*; import java.util.*; import java.util.logging.LogManager;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.*; import org.verapdf.pdfa.flavours.PDFAFlavour; import org.verapdf.pdfa.results.*;
public class VeraCheck {
  public static void main(String[] a) throws Exception {
    LogManager.getLogManager().reset();
    VeraGreenfieldFoundryProvider.initialise();
    int bad = 0;
    for (int i = 1; i < a.length; i++) {
      PDFAFlavour f = PDFAFlavour.fromString(a[i]);
      try (PDFAParser p = Foundries.defaultInstance().createParser(new File(a[0]), f);
           PDFAValidator v = Foundries.defaultInstance().createValidator(f, 100, false, true, false)) {
        for (ValidationResult r : v.validateAll(p)) {
          System.out.println(a[i] + " compliant=" + r.isCompliant());
          Set<String> seen = new TreeSet<>();
          for (TestAssertion t : r.getTestAssertions()) if (t.getStatus() == TestAssertion.Status.FAILED && seen.add(t.getRuleId().getClause() + "-" + t.getRuleId().getTestNumber())) System.out.println("  " + t.getRuleId().getClause() + "-" + t.getRuleId().getTestNumber() + " " + t.getMessage() + " @ " + t.getLocation().getContext());
          if (!r.isCompliant()) bad = 1;
        }
      }
    }
    System.exit(bad);
  }
}
